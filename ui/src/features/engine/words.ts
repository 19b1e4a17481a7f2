/** The Docker engine in words. */
import type { EngineInfo } from '../../lib/backend';

/** Returns the engine's name and version: `Docker 28.5.2`. */
export function name({ podman, version }: EngineInfo): string {
  return `${podman ? 'Podman' : 'Docker'} ${version}`;
}

/** Returns why this engine was chosen, by the rules of the docker command line. */
export function reason({ origin }: EngineInfo): string {
  switch (origin.rule) {
    case 'docker_host':
      return 'named by DOCKER_HOST';
    case 'docker_context':
      return `context ${origin.name}, named by DOCKER_CONTEXT`;
    case 'current_context':
      return `docker’s current context, ${origin.name}`;
    case 'default_socket':
      return 'the platform’s default socket';
  }
}
