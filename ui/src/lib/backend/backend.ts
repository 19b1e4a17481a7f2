/**
 * The one interface through which the page reaches the engine. `tauri.ts` implements it on the bridge, `fake.ts` in memory, so that the
 * whole page runs and is tested in any browser.
 */
import type {
  Change,
  EngineInfo,
  EnvironmentName,
  EnvironmentStatus,
  Event,
  KnownProjects,
  Problem,
  ProjectName,
} from './bindings';

export type * from './bindings';

/** What a question brings: data, or what went wrong. Never an exception. */
export type Answer<T> = { status: 'ok'; data: T } | { status: 'error'; error: Problem };

/** An event as far as the page reads it: to whom something happened. */
export type Happened = Pick<Event, 'seq' | 'at' | 'project' | 'run'>;

/** Something that is dragged over the window. */
export type Drag = { kind: 'over' } | { kind: 'left' } | { kind: 'dropped'; paths: string[] };

export interface Backend {
  /** Tells which Docker engine is used, and why that one. Slow when it does not answer. */
  engineInfo(): Promise<Answer<EngineInfo>>;
  /** Lists the projects as they are remembered: at once. */
  knownProjects(): Promise<Answer<KnownProjects>>;
  /** Observes every environment of a project. Slow when its target does not answer. */
  projectStatus(project: ProjectName): Promise<Answer<EnvironmentStatus[]>>;
  /** Lets a person choose a folder; null when they think better of it. */
  chooseFolder(): Promise<Answer<string | null>>;
  addProject(folder: string): Promise<Answer<ProjectName>>;
  /** Takes a project off the list; its environments go on. */
  forgetProject(project: ProjectName): Promise<Answer<null>>;
  /** Opens an environment's app in the browser. */
  openEnvironment(project: ProjectName, environment: EnvironmentName): Promise<Answer<null>>;
  /** Reads what happened after a sequence number, in order, at most `EVENTS_AT_ONCE`. */
  eventsAfter(seq: number): Promise<Answer<Happened[]>>;
  /** Calls whenever something changed, by whichever process, and once at the start. A second call ends the first. */
  follow(onChange: (change: Change) => void): Promise<Answer<null>>;
  /** Calls while something is dragged over the window. */
  onDrag(onDrag: (drag: Drag) => void): void;
}

/** As many events as one answer holds: when it is full, more may have happened. */
export const EVENTS_AT_ONCE = 500;
