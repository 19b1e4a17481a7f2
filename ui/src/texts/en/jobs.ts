/** The texts of jobs, trust, notices and of how gates ended before. */
export const jobs = {
  title: 'Jobs',
  none: 'The release that serves has no job.',
  noneText: 'A job is a table of the configuration: [job.cleanup] with schedule and run.',
  problem: 'The jobs cannot be listed',
  next: 'Next',
  never: 'not by itself',
  last: 'Last',
  notYet: 'has not run yet',
  in: (time: string) => `in ${time}`,
  due: 'due',
  ok: 'succeeded',
  failed: (code: number | null) => (code === null ? 'failed' : `ended with ${String(code)}`),
  oom: 'ran out of memory',
  running: 'runs',
  run: 'Run now',
  runOf: (job: string) => `Run now: ${job}`,
  stop: 'Stop',
  stopping: 'Stopping…',
  log: 'Log',
  logOf: (job: string) => `Log of ${job}`,
  lines: 'Its last lines',
  noLines: 'It printed nothing.',
  noLinesYet: 'It has printed nothing yet.',
  notRun: 'The job was not run',
  notStopped: 'The job was not stopped',
  byHand: 'by hand',
  bySchedule: 'by its schedule',
  runs: 'Its last runs',
  runsProblem: 'Its last runs cannot be read',
  watch: 'Jobs run at their times while somebody watches: this window, or nonevent watch.',
};

export const trust = {
  title: 'HTTPS',
  short: 'Trust the HTTPS of local apps',
  trusted: 'This computer trusts it.',
  untrusted: 'This computer does not trust it yet: a browser warns.',
  act: 'Trust it…',
  askTitle: 'Trust the HTTPS of local apps?',
  askText:
    'The authority of this computer vouches for names below .localhost and .test only; its key stays in the state folder.',
  steps: 'These commands change whom this computer trusts:',
  nothing: 'There is nothing that can be run here.',
  take: 'Run them',
  taking: 'Running…',
  done: 'Local apps are trusted; a browser that is open may have to be started again.',
  notDone: 'It is not trusted',
  problem: 'Whether it is trusted is not known',
  certificate: 'Certificate',
};

export const notify = {
  letters: 'What no webhook took',
  lettersNone: 'Every webhook took what it was told.',
  lettersProblem: 'What no webhook took cannot be read',
  title: 'Notices',
  text: 'Tells something that says nothing, on the desktop and to every webhook of the project.',
  act: 'Send a test',
  sending: 'Sending…',
  desktop: 'desktop',
  webhook: (name: string) => `webhook ${name}`,
  took: 'took it',
  none: 'Nothing is told: [notify] desktop is false, and there is no webhook.',
  failed: 'The test did not reach everybody',
  all: (ways: string[]): string =>
    ways.length === 0
      ? notify.none
      : `${ways.map((way) => (way === 'desktop' ? notify.desktop : notify.webhook(way))).join(', ')} ${notify.took}`,
};

export const trend = {
  title: 'Gates in the last runs',
  text: 'The newest run is at the right; the higher a bar, the longer the gate took.',
  outcomes: (gate: string, red: number, all: number) =>
    `${gate}: ${String(red)} of the last ${String(all)} runs red`,
  durations: (gate: string, now: string, usual: string) => `${gate} took ${now}, usually ${usual}`,
  usual: (time: string) => `usually ${time}`,
  at: (run: string, state: string, time: string) => `${run}: ${state}, ${time}`,
};
