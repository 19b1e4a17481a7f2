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
  machine: (platform: string, cores: number, memory: string) =>
    `${platform}, ${counted(cores, 'core')}, ${memory}`,
  store: 'Image store',
  mirrors: 'Mirrors',
  rules: {
    dockerHost: 'DOCKER_HOST',
    dockerContext: (name: string) => `DOCKER_CONTEXT ${name}`,
    currentContext: (name: string) => `context ${name}`,
    defaultSocket: 'default socket',
  },
};
