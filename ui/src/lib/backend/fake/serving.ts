/** What serves: how it fares, what it prints, its exceptions, its jobs. */
import type { Answer } from '../backend';
import type {
  Exceptions,
  HealthReport,
  JobRun,
  JobStatus,
  Lines,
  LogLine,
  LogQuestion,
  LogReach,
  LogRecord,
} from '../bindings';
import { aRecordOf, pageOf } from '../records';
import { SILENT, ok, type Scripted } from './answers';
import { FakeRuns } from './runs';

/** The bridge tells the page no more often than that, in milliseconds. */
const BATCH_EVERY = 60;

export class FakeServing extends FakeRuns {
  /** How an environment fared, by `project environment`, in the seconds that are asked for. */
  fared: (project: string, environment: string, seconds: number) => Scripted<HealthReport> = (
    project,
    environment,
    seconds,
  ) => ok(emptyReport(project, environment, seconds));
  /** What is kept of logs, the oldest first. */
  records: Scripted<LogRecord[]> = ok([]);
  reach: LogReach = { first: null, last: null, behind: null };
  following: Answer<null> = ok(null);
  /** Records that are printed each second while somebody follows. */
  rate = 0;
  excepted: Scripted<Exceptions> = ok({ groups: [], reach: { first: null, last: null, behind: null } });
  jobsOf: Scripted<JobStatus[]> = ok([]);
  jobsRan: Scripted<JobRun[]> = ok([]);
  jobRunning: Scripted<JobRun> = SILENT;
  /** What each job that goes on has printed, by its name. */
  jobsGoing = new Map<string, Lines>();
  stoppingJob: Answer<boolean> = ok(true);
  jobPrints: LogLine[] = [];
  #onRecords: ((records: LogRecord[]) => void) | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #onJobLines: ((lines: Lines) => void) | undefined;

  /** Records that are printed now. */
  print(records: LogRecord[]): void {
    this.#onRecords?.(records);
  }

  /** What the job that was followed last prints now. */
  printJob(lines: Lines): void {
    this.#onJobLines?.(lines);
  }

  health(project: string, environment: string, seconds: number) {
    const question = `health ${project} ${environment} ${String(seconds)}`;
    return this.answer(question, this.fared(project, environment, seconds));
  }

  async logRecords(
    project: string,
    environment: string,
    question: LogQuestion,
    before: string | null,
    limit: number,
  ) {
    const words = [question.search, question.until === null ? '' : `until ${question.until}`, before ?? ''];
    const asked = ['logRecords', project, environment, ...words].filter((word) => word !== '').join(' ');
    const answer = await this.answer(asked, this.records);
    return answer.status === 'ok' ? pageOf(answer.data, question, before, limit, this.reach) : answer;
  }

  followRecords(
    project: string,
    environment: string,
    question: LogQuestion,
    onRecords: (records: LogRecord[]) => void,
  ) {
    this.#onRecords = onRecords;
    if (this.rate > 0) this.#stream();
    return this.answer(`followRecords ${project} ${environment} ${question.search}`.trim(), this.following);
  }

  stopLines() {
    clearInterval(this.#timer);
    this.#onRecords = undefined;
    return this.answer('stopLines', ok(null));
  }

  exceptionGroups(project: string, environment: string, since: string | null) {
    const question = `exceptionGroups ${project} ${environment}${since === null ? '' : ' since'}`;
    return this.answer(question, this.excepted);
  }

  jobs(project: string, environment: string) {
    return this.answer(`jobs ${project} ${environment}`, this.jobsOf);
  }

  jobRuns(project: string, environment: string) {
    return this.answer(`jobRuns ${project} ${environment}`, this.jobsRan);
  }

  runningJobs(project: string, environment: string) {
    return this.answer(`runningJobs ${project} ${environment}`, ok([...this.jobsGoing.keys()]));
  }

  followJob(project: string, environment: string, job: string, onLines: (lines: Lines) => void) {
    const lines = this.jobsGoing.get(job);
    this.#onJobLines = onLines;
    if (lines) onLines(lines);
    return this.answer(`followJob ${project} ${environment} ${job}`, ok(lines !== undefined));
  }

  runJob(project: string, environment: string, job: string, onLines: (lines: LogLine[]) => void) {
    onLines(this.jobPrints);
    return this.answer(`runJob ${project} ${environment} ${job}`, this.jobRunning);
  }

  stopJob(project: string, environment: string, job: string) {
    return this.answer(`stopJob ${project} ${environment} ${job}`, this.stoppingJob);
  }

  /** Prints as many as the rate says, in batches as the bridge brings them. */
  #stream(): void {
    clearInterval(this.#timer);
    const began = Date.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((Date.now() - began) / 1000) * this.rate) - sent;
      const fresh = Array.from({ length: due }, (_, index) => aRecordOf(sent + index, Date.now()));
      sent += due;
      if (due > 0) this.print(fresh);
    }, BATCH_EVERY);
  }
}

function emptyReport(project: string, environment: string, seconds: number): HealthReport {
  const to = Date.now();
  const from = to - seconds * 1000;
  return {
    project,
    environment,
    from,
    to,
    state: 'unknown',
    series: [],
    markers: [],
    gaps: [],
    incidents: [],
  };
}
