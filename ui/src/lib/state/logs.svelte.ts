/** The records of an environment that are looked at: a part of what is kept, moved by paging, and at its end what comes. */
import { untrack } from 'svelte';
import type { Answer, Backend, LogPage, LogQuestion, LogReach, LogRecord, Problem } from '../backend';
import type { Row, Seen } from '../logs';
import { earlier, later, newest, NOTHING_SEEN, oldest, seenIn, since, unmet } from '../logs';

/** What is asked for: a filter, from so many seconds ago on, or until a moment. */
export interface Question {
  search: string;
  seconds: number | null;
  until: string | null;
}

/** Records of one page. */
const PAGE = 300;
/** An engine that went away is asked again after so many milliseconds. */
const AGAIN = 5_000;

export class LogBook {
  /** The oldest first. */
  rows = $state.raw<Row[]>([]);
  seen = $state.raw<Seen>(NOTHING_SEEN);
  reach = $state.raw<LogReach | null>(null);
  /** Whether the answer to the question is still awaited. */
  looking = $state(true);
  /** Why the filter cannot be read. */
  refused = $state.raw<Problem | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Whether older ones fit as well, and whether they are being read. */
  more = $state(false);
  reading = $state(false);
  /** Whether what comes is heard of. */
  live = $state(false);
  paused = $state(false);
  /** Whether the newest rows are in sight. */
  atEnd = $state(true);
  /** Records that came and that nobody has seen. */
  news = $state(0);
  /** Whether older rows left the page to make room. */
  dropped = $state(false);
  #question: Question = { search: '', seconds: null, until: null };
  /** Whether records came that are not among the rows. */
  #cut = false;
  /** Each question has its number: answers to earlier ones are late. */
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly backend: Backend,
    readonly project: string,
    readonly environment: string,
  ) {}

  /** Asks; what was shown stays until the answer is there. */
  ask(question: Question): void {
    this.#question = question;
    void this.#start('anew');
  }

  again = (): void => {
    void this.#start('anew');
  };

  stop(): void {
    this.#number += 1;
    clearTimeout(this.#timer);
    void this.backend.stopLines();
  }

  pause(): void {
    this.paused = true;
  }

  /** Goes to the newest records, and on with what comes. */
  toEnd(): void {
    this.paused = false;
    this.atEnd = true;
    this.news = 0;
    if (this.#cut) this.again();
  }

  /** Tells whether the newest rows are in sight. */
  reached(end: boolean): void {
    if (end === this.atEnd) return;
    if (end) this.toEnd();
    else this.atEnd = false;
  }

  /** Reads the page before the oldest row. */
  async older(): Promise<void> {
    const first = this.rows[0]?.record;
    if (this.reading || !this.more || !first) return;
    const number = this.#number;
    this.reading = true;
    // What came live has no place: it is asked for by its time.
    const question = { ...this.#asked(), ...(first.place === null ? { until: first.at } : {}) };
    const answer = await this.#page(question, first.place);
    if (number !== this.#number) return;
    this.reading = false;
    if (answer.status === 'error') {
      this.problem = answer.error;
      return;
    }
    const { records, next } = answer.data;
    const fresh = unmet(records.toReversed(), this.rows);
    this.more = next !== null && fresh.length > 0;
    this.seen = seenIn(this.seen, fresh);
    const all = earlier(this.rows, fresh);
    this.rows = oldest(all);
    if (this.rows.length < all.length) this.#cut = true;
  }

  /** Finds the record of a place, whatever is asked for. */
  async find(place: string): Promise<LogRecord | null> {
    const [at, count] = place.split('-');
    const after = `${at ?? ''}-${String(Number(count) + 1)}`;
    const question = { search: '', since: null, until: null };
    const answer = await this.backend.logRecords(this.project, this.environment, question, after, 1);
    const found = answer.status === 'ok' ? answer.data.records[0] : undefined;
    return found?.place === place ? found : null;
  }

  async #start(how: 'anew' | 'on'): Promise<void> {
    const number = ++this.#number;
    const { until } = this.#question;
    clearTimeout(this.#timer);
    this.reading = false;
    if (how === 'anew') this.looking = true;
    // Asked for first: between a page and what comes after it nothing is missed.
    let early: LogRecord[] | null = [];
    let shown = '';
    if (until === null)
      void this.#follow(number, (records) =>
        early ? early.push(...records) : this.#take(newerThan(shown, records)),
      );
    else {
      this.live = false;
      void this.backend.stopLines();
    }
    const answer = await this.#page(this.#asked(), null);
    if (number !== this.#number) return;
    this.looking = false;
    if (answer.status === 'error') {
      const { error } = answer;
      if (error.code === 'filter_unreadable') this.refused = error;
      else this.problem = error;
      return;
    }
    this.refused = null;
    this.problem = null;
    this.#show(answer.data, how);
    const waited = early;
    early = null;
    shown = this.#last ?? '';
    this.#take(newerThan(shown, waited));
  }

  /**
   * Shows the newest page in place of what was there, or, when an engine came back, what is new of it. Where more came meanwhile than one page
   * holds, the rows would have a gap: whoever looks at the newest goes on from the page, whoever looks elsewhere keeps their place.
   */
  #show({ records, next, reach }: LogPage, how: 'anew' | 'on'): void {
    const page = records.toReversed();
    const last = this.#last;
    this.reach = reach;
    const joined = next === null || page.some(({ at }) => last !== undefined && at <= last);
    if (how === 'on' && !joined && (this.paused || !this.atEnd)) this.#cut = true;
    if (how === 'on' && (joined || this.#cut)) {
      this.#take(newerThan(last, page));
      return;
    }
    this.rows = later([], page);
    this.seen = seenIn(this.seen, page);
    this.more = next !== null;
    this.news = 0;
    this.atEnd = true;
    this.dropped = false;
    this.#cut = false;
  }

  get #last(): string | undefined {
    return this.rows.at(-1)?.record.at;
  }

  async #follow(number: number, take: (records: LogRecord[]) => void): Promise<void> {
    const { project, environment, backend } = this;
    const hear = (records: LogRecord[]) => {
      if (number !== this.#number) return;
      this.live = records.length > 0;
      if (this.live) take(records);
      else this.#comeBack();
    };
    const answer = await backend.followRecords(project, environment, this.#asked(), hear);
    if (number !== this.#number) return;
    this.live = answer.status === 'ok';
    if (answer.status === 'error' && answer.error.code !== 'filter_unreadable') this.#comeBack();
  }

  #comeBack(): void {
    this.live = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#start('on'), AGAIN);
  }

  #take(records: LogRecord[]): void {
    if (records.length === 0) return;
    // It may be called while something else is drawn, and is nothing that this depends on.
    untrack(() => {
      const hidden = this.paused || this.#cut || !this.atEnd;
      if (hidden) this.news += records.length;
      if (this.paused || this.#cut) {
        this.#cut = true;
        return;
      }
      const all = later(this.rows, records);
      const kept = newest(all);
      if (kept.length < all.length) {
        // Whoever looks at older rows keeps them; the newest are read again when they are wanted.
        if (hidden) {
          this.#cut = true;
          return;
        }
        this.dropped = true;
        this.more = true;
      }
      this.rows = kept;
      this.seen = seenIn(this.seen, records);
    });
  }

  #asked(): LogQuestion {
    const { search, seconds, until } = this.#question;
    return { search, since: since(seconds), until };
  }

  #page(question: LogQuestion, before: string | null): Promise<Answer<LogPage>> {
    return this.backend.logRecords(this.project, this.environment, question, before, PAGE);
  }
}

/** Leaves out what is among the rows. The last line of each instance comes first, for it to be known where to go on. */
function newerThan(last: string | undefined, records: LogRecord[]): LogRecord[] {
  return last === undefined ? records : records.filter(({ at }) => at > last);
}
