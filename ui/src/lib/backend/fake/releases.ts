/** The releases of a project, where they went, what differs between them, and what a rollout of one would do. */
import type { Plan, PlanRequest, Release, ReleaseDiff, RolloutRecord } from '../bindings';
import { aDiff, header } from '../makers';
import { failed, ok, type Scripted } from './answers';
import { FakeProjects } from './projects';

export class FakeReleases extends FakeProjects {
  releases: Release[] = [];
  rollouts: RolloutRecord[] = [];
  /** Whether a project's targets tell of anything that is new. */
  learned: Scripted<boolean> = ok(false);
  differing: (from: string, to: string) => Scripted<ReleaseDiff> = (from, to) => ok(aDiff(from, to));
  planned: Scripted<Plan> = failed({
    code: 'no_release',
    message: 'nothing of this project was released yet',
    hints: ['run `nonevent ship`'],
  });

  learnHistory(project: string) {
    return this.answer(`learnHistory ${project}`, this.learned);
  }

  projectReleases(project: string) {
    const own = this.releases.filter((release) => release.project === project);
    return this.answer(`projectReleases ${project}`, ok(own.map(header)));
  }

  projectRollouts(project: string) {
    const own = this.rollouts.filter((rollout) => rollout.project === project);
    return this.answer(`projectRollouts ${project}`, ok(own));
  }

  releasePage(project: string, id: string) {
    const place = this.releases.findIndex((one) => one.id === id && one.project === project);
    const release = this.releases[place];
    const before = this.releases.slice(place + 1).find((one) => one.project === project) ?? null;
    const unknown = failed({ message: `no release ${id} of ${project} is known here` });
    return this.answer(`releasePage ${project} ${id}`, release ? ok({ release, before }) : unknown);
  }

  releaseDiff(project: string, environment: string, from: string, to: string) {
    return this.answer(`releaseDiff ${project} ${environment} ${from} ${to}`, this.differing(from, to));
  }

  async plan(project: string, environment: string, request: PlanRequest) {
    const release = request.verb === 'rollback' ? request.release : null;
    const question = ['plan', project, environment, request.verb, ...(release === null ? [] : [release])];
    const answer = await this.answer(question.join(' '), this.planned);
    if (request.verb === 'ship' || answer.status === 'error') return answer;
    // What was shipped last serves.
    const from = answer.data.to;
    const to = request.verb === 'restart' ? from : (release ?? answer.data.from ?? from);
    return ok({ ...answer.data, reason: request.verb, from, to });
  }
}
