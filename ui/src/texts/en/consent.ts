/** What is asked before something is done that cannot promise everything. */
import type { Life } from '../../lib/backend';

const lives: Record<Life, string> = {
  living: 'It lives',
  silent: 'It is silent',
  ended: 'Its process on this machine is gone',
};

export const consent = {
  downtime: 'Requests may be lost',
  because: (reason: string) => `because ${reason}.`,
  downtimeText:
    'What serves now serves on until you answer. Nothing was started yet; the same run goes on with your answer.',
  preview: 'Look at the new instances',
  previewText:
    'They are healthy, and requests still reach the old ones. Traffic moves to them when you agree.',
  goOn: 'Go on',
  moveTraffic: 'Move traffic',
  look: 'Open them',
  stop: 'Stop the run',
  agreed: 'Going on…',
  elsewhere: 'Another process runs it: it asks there, and waits for the answer there.',
  notGiven: 'The answer did not reach the run',
  same: 'Release',
  from: 'From release',
  to: 'To release',
  nothingBefore: 'nothing serves',
  strategy: 'Strategy',
  strategies: { blue_green: 'blue/green', rolling: 'rolling', canary: 'canary' } as Record<string, string>,
  expected: 'Expected time',
  expectedUnknown: 'not known yet',
  memory: 'Memory needed',
  disk: 'Disk needed',
  free: (has: string) => `${has} free`,
  unknown: 'not known',
  instances: 'Instances at most',
  steps: 'What starts and stops',
  zero: 'Zero downtime',
  yes: 'yes',
  no: (because: string) => `no, because ${because}`,
  why: 'Why (kept with the rollout)',
  waitFor: (holder: string) => `Wait until ${holder} has done its work`,
  whoever: 'whoever holds it',
  wait: 'Wait for it, then go on',
  whose: 'Whose lock is it?',
  anywayTitle: (environment: string) => `Roll ${environment} back all the same?`,
  anyway: 'Roll back anyway',
  anywayText:
    'Only when the older code can live with the newer schema. The history keeps that you passed over this.',
  migrations: 'What the older release does not know',
  unlockTitle: (environment: string) => `The lock of ${environment}`,
  unlock: 'Take the lock away',
  unlockFree: (environment: string) => `Nobody holds ${environment}.`,
  unlockText:
    'What its process does next is refused by the target. What it left in the middle is ended by the next run, or by nonevent recover.',
  unlockLiving: (owner: string) =>
    `${owner} still works on it: type the name of the environment to stop that.`,
  unlockDead: 'The next run takes it over by itself.',
  unlocked: (environment: string) => `${environment} is free`,
  notUnlocked: 'The lock was not taken away',
  heldBy: 'Held by',
  process: 'Process',
  purpose: 'Does',
  since: 'Since',
  beat: 'Last heartbeat',
  ago: (time: string) => `${time} ago`,
  lives,
};
