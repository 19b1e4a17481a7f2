/** What a question is answered in memory, and the list of what was asked. */
import type { Answer } from '../backend';
import type { Problem } from '../bindings';

/** A question to which no answer comes, until another one is put in its place. */
export const SILENT = Symbol('silent');

/** What a question is answered, until a test or a scene puts something else there. */
export type Scripted<T> = Answer<T> | typeof SILENT;

export class Answering {
  /** Every question, in order, as `projectStatus shop`. */
  readonly asked: string[] = [];

  protected answer<T>(question: string, scripted: Scripted<T>): Promise<Answer<T>> {
    this.asked.push(question);
    return scripted === SILENT ? new Promise(() => undefined) : Promise.resolve(scripted);
  }
}

export function ok<T>(data: T): { status: 'ok'; data: T } {
  return { status: 'ok', data };
}

export function failed(problem: Partial<Problem>): { status: 'error'; error: Problem } {
  const error = { code: 'failed', message: 'it failed', causes: [], hints: [], details: [], ...problem };
  return { status: 'error', error };
}
