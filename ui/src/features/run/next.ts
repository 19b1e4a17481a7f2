/** What to do after a run: by how it ended and what stood in its way. */
import type { RunRecord } from '../../lib/backend';
import type { RunView } from '../../lib/run';
import type { Acts } from '../../lib/state/acts.svelte';
import { texts } from '../../texts';

export interface Next {
  text: string;
  strong: boolean;
  take: () => void;
}

export function next(record: RunRecord, view: RunView, acts: Acts): Next[] {
  const { project, environment, verb } = record;
  const found: Next[] = [];
  const add = (text: string, take: () => unknown) => {
    found.push({ text, strong: found.length === 0, take: () => void take() });
  };
  if (view.state === 'running') return [];
  if (view.state === 'succeeded') {
    if (verb === 'check') add(texts.acts.shipTo('local'), () => acts.ship(project, 'local'));
    if (environment !== null && verb !== 'down' && view.url !== null)
      add(texts.acts.open, () => acts.open(project, environment));
    if (environment !== null && verb === 'ship') {
      add(texts.acts.rollback, () => {
        acts.rollback(project, environment, null);
      });
    }
    return found;
  }
  const code = view.problem?.code;
  if (code === 'dirty_tree' && environment !== null)
    add(texts.acts.shipDirty, () => acts.ship(project, environment, { dirty: true }));
  if (code === 'untested' && environment !== null)
    add(texts.acts.shipUntested, () => acts.ship(project, environment, { untested: true }));
  if (code === 'locked' && environment !== null) {
    add(texts.consent.wait, () => waiting(record, view, acts));
    add(texts.consent.whose, () => {
      acts.unlock(project, environment);
    });
  }
  if (code?.startsWith('lock_')) add(texts.acts.mend, () => acts.mend(project));
  if (verb === 'check') add(texts.acts.again, () => acts.check(project));
  else if (verb === 'ship' && environment !== null)
    add(texts.acts.again, () => acts.ship(project, environment));
  else if (verb === 'rollback' && environment !== null)
    add(texts.acts.again, () => {
      acts.rollback(project, environment, view.release);
    });
  else if (verb === 'restart' && environment !== null)
    add(texts.acts.again, () => {
      acts.restart(project, environment);
    });
  return found;
}

/** The same again, in its turn. */
function waiting({ project, environment, verb }: RunRecord, view: RunView, acts: Acts): unknown {
  if (environment === null) return undefined;
  if (verb === 'rollback')
    return acts.begin(project, { verb, environment, release: view.release }, { held: 'wait' });
  if (verb === 'restart') return acts.begin(project, { verb, environment }, { held: 'wait' });
  return acts.ship(project, environment, { wait: true });
}
