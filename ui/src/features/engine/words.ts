/** The Docker engine in words. */
import type { EngineInfo } from '../../lib/backend';
import { texts } from '../../texts';

const { rules } = texts.engine;

/** Returns the engine's name and version: `Docker 28.5.2`. */
export function name({ podman, version }: EngineInfo): string {
  return `${podman ? 'Podman' : 'Docker'} ${version}`;
}

/** Returns why this engine was chosen, by the rules of the docker command line. */
export function reason({ origin }: EngineInfo): string {
  switch (origin.rule) {
    case 'docker_host':
      return rules.dockerHost;
    case 'docker_context':
      return rules.dockerContext(origin.name);
    case 'current_context':
      return rules.currentContext(origin.name);
    case 'default_socket':
      return rules.defaultSocket;
  }
}
