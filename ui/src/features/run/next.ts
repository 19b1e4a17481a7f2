/** What to do after a run: by how it ended and what stood in its way. */
import type { RunRecord, Said } from '../../lib/backend';
import type { RunView } from '../../lib/run';
import type { Acts } from '../../lib/state/acts.svelte';
import { optionsOf } from '../../lib/state/acts.svelte';
import type { Router } from '../../lib/state/router.svelte';
import { texts } from '../../texts';

export interface Next {
  text: string;
  strong: boolean;
  take: () => void;
}

/** What can be asked for once more. */
const AGAIN = ['check', 'ship', 'rollback', 'restart', 'down'];
/** How the codes begin by which a vault tells that it does not open. */
const VAULT = /^(vault|keychain)_/;

export function next(record: RunRecord, view: RunView, acts: Acts, router: Router): Next[] {
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
  const begun = acts.begun(record.id);
  const options = begun?.request.verb === 'ship' ? optionsOf(begun.request) : {};
  const said = { message: begun?.message ?? null };
  if (code === 'dirty_tree' && verb === 'ship' && environment !== null)
    add(texts.acts.shipDirty, () => acts.ship(project, environment, { ...options, dirty: true }, said));
  if (code === 'untested' && verb === 'ship' && environment !== null)
    add(texts.acts.shipUntested, () => acts.ship(project, environment, { ...options, untested: true }, said));
  if (code === 'secret_missing')
    add(texts.acts.secrets, () => {
      router.go({ screen: 'project', project, tab: 'secrets', item: null });
    });
  if (code !== undefined && VAULT.test(code))
    add(texts.acts.credentials, () => {
      router.go({ screen: 'credentials' });
    });
  if (code?.startsWith('lock_')) add(texts.acts.mend, () => acts.mend(project));
  if (!AGAIN.includes(verb) || (environment === null && verb !== 'check')) return found;
  if (code === 'locked' && environment !== null) {
    add(texts.consent.wait, () => wait(record, view, acts));
    add(texts.consent.whose, () => {
      acts.unlock(project, environment);
    });
  }
  add(code === 'engine_unreachable' ? texts.acts.tryAgain : texts.acts.again, () =>
    again(record, view, acts),
  );
  return found;
}

/** The same once more: what is proven first begins at once, everything else is asked about. */
function again(record: RunRecord, view: RunView, acts: Acts): unknown {
  const { project, environment, verb } = record;
  const begun = acts.begun(record.id);
  if (verb === 'check' && begun === null) return acts.check(project);
  if ((verb === 'check' || verb === 'ship') && begun !== null)
    return acts.begin(project, begun.request, { message: begun.message });
  return environment === null ? undefined : ask(record, environment, view, acts, {});
}

/** The same in its turn; asked about where it is not known whole. */
function wait(record: RunRecord, view: RunView, acts: Acts): unknown {
  const { project, environment, verb } = record;
  if (environment === null) return undefined;
  const begun = acts.begun(record.id);
  const said = { held: 'wait', message: begun?.message ?? null } as const;
  const to = view.plan?.to;
  if (begun !== null) return acts.begin(project, begun.request, said);
  if (verb === 'rollback' && to !== undefined)
    return acts.begin(project, { verb, environment, release: to }, said);
  if (verb === 'restart') return acts.begin(project, { verb, environment }, said);
  return ask(record, environment, view, acts, said);
}

function ask(
  { project, verb, id }: RunRecord,
  environment: string,
  view: RunView,
  acts: Acts,
  said: Partial<Said>,
): void {
  const request = acts.begun(id)?.request;
  const chosen = request?.verb === 'rollback' ? request.release : null;
  if (verb === 'ship') acts.shipWith(project, environment, said);
  if (verb === 'rollback') acts.rollback(project, environment, chosen ?? view.plan?.to ?? null, said);
  if (verb === 'restart') acts.restart(project, environment);
  if (verb === 'down')
    acts.down(project, environment, request?.verb === 'down' ? request.leave : 'data', said);
}
