/** The texts of what every screen is made of: ages, problems, copying, finding. */
export const times = {
  now: 'now',
  ago: (time: string) => `${time} ago`,
  units: { ms: 'ms', s: 's', min: 'min', h: 'h', d: 'd', mo: 'mo', y: 'y' },
};

/** Returns a number as it is read: `20,213`. */
export function many(count: number): string {
  return count.toLocaleString('en-US');
}

/** Returns a number with its noun: `1 project`, `3 projects`. */
export function counted(count: number, noun: string): string {
  return `${many(count)} ${count === 1 ? noun : `${noun}s`}`;
}

/** Returns how many there are, or how many of them are shown: `2 of 14 runs`. */
export function countedOf(shown: number, all: number, noun: string): string {
  return shown === all ? counted(all, noun) : `${many(shown)} of ${counted(all, noun)}`;
}

export const problems = {
  because: 'because',
  toDo: 'to do',
  details: 'Details',
};

export const copying = {
  copy: 'Copy',
  of: (what: string, text: string) => `Copy ${what} ${text}`,
  copied: 'Copied',
  refused: 'It could not be copied',
};

/** What can be copied, for those who do not see it. */
export const things = {
  address: 'address',
  baseDigest: 'base digest',
  command: 'command',
  commit: 'commit',
  folder: 'folder',
  id: 'id',
  imageDigest: 'image digest',
  instance: 'instance',
  line: 'line',
  lockDigest: 'lock digest',
  path: 'path',
  place: 'place',
  release: 'release',
  test: 'test',
};

export const finding = 'Find';
