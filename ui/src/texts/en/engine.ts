/** The texts about the Docker engine. */
import { counted } from './shared';

export const engine = {
  engine: 'Engine',
  missing: 'Docker cannot be used',
  none: 'No engine',
  looking: 'Looking for Docker…',
  again: 'Look again',
  lookingAgain: 'Looking…',
  is: (name: string, reason: string) => `Engine: ${name}, ${reason}`,
  withApi: (name: string, api: string) => `${name}, API ${api}`,
  address: 'Address',
  chosenBy: 'Chosen by',
  platform: 'Platform',
  api: 'API',
  machine: (platform: string, cores: number, memory: string) =>
    `${platform}, ${counted(cores, 'core')}, ${memory}`,
  store: 'Image store',
  mirrors: 'Mirrors',
  rules: {
    dockerHost: 'named by DOCKER_HOST',
    dockerContext: (name: string) => `context ${name}, named by DOCKER_CONTEXT`,
    currentContext: (name: string) => `docker’s current context, ${name}`,
    defaultSocket: 'the platform’s default socket',
  },
};
