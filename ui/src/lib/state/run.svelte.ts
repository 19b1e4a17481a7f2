/** A run that is looked at: its facts from the store, whichever process runs it, and its output where this window runs it. */
import type { Backend, Event, LogLine, Problem, RunRecord } from '../backend';
import type { RunView } from '../run';
import { view } from '../run';

/** A line with its number, which stays the same however many come after it. */
export interface Numbered extends LogLine {
  number: number;
}

const EVENTS_AT_ONCE = 1_000;
/** More lines than that are not kept in the page. */
const KEPT = 20_000;

export class RunPage {
  record = $state.raw<RunRecord | null>(null);
  problem = $state.raw<Problem | null>(null);
  lines = $state.raw<Numbered[]>([]);
  progress = $state<string | null>(null);
  /** Whether its output is to be had here; null until that is known. */
  ours = $state<boolean | null>(null);
  #events = $state.raw<Event[]>([]);
  readonly view: RunView | null = $derived(this.record ? view(this.record, this.#events) : null);
  readonly #backend: Backend;
  /** The sequence number of the last event that is known: whoever reads on depends on nothing. */
  #after = 0;
  #reading = false;
  #again = false;

  constructor(
    backend: Backend,
    readonly id: string,
  ) {
    this.#backend = backend;
  }

  /** Reads what there is, and the lines as they come. Returns the way to stop. */
  start(): () => void {
    let gone = false;
    void this.read();
    void this.#backend
      .followLines(this.id, ({ first, lines, progress, ended }) => {
        if (gone) return;
        const numbered = lines.map((line, index) => ({ ...line, number: first + index }));
        if (numbered.length > 0) this.lines = [...this.lines, ...numbered].slice(-KEPT);
        this.progress = progress;
        if (ended) void this.read();
      })
      .then((answer) => {
        if (!gone) this.ours = answer.status === 'ok' && answer.data;
      });
    return () => {
      gone = true;
      void this.#backend.stopLines();
    };
  }

  /** Reads what happened since the last time. */
  read = async (): Promise<void> => {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      const answer = await this.#backend.runPage(this.id, this.#after);
      if (answer.status === 'error') {
        this.problem = answer.error;
        break;
      }
      const { run, events } = answer.data;
      this.problem = null;
      if (events.length > 0) this.#events = [...this.#events, ...events];
      this.#after = events.at(-1)?.seq ?? this.#after;
      this.record = run;
      if (events.length >= EVENTS_AT_ONCE) this.#again = true;
      // Reads again later may say so: `#again` is set while this one is awaited.
    } while (this.#again as boolean);
    this.#reading = false;
  };
}
