/** What the command palette knows: the screens, and everything that can be done from here, with the words of the buttons. */
import type { Theme } from '../../lib/backend';
import { TABS } from '../../lib/route';
import type { World } from '../../lib/state/context';
import type { ProjectPage } from '../../lib/state/project.svelte';
import { date } from '../../shared/words';
import { texts } from '../../texts';

export interface Entry {
  id: string;
  kind: 'go' | 'do';
  text: string;
  detail: string;
  take: () => void;
}

type Known = Pick<World, 'projects' | 'router' | 'acts' | 'settings'> & { page: ProjectPage | null };

/** Runs and releases that are offered. */
const RECENT = 20;
const THEMES: Theme[] = ['system', 'light', 'dark'];

export function entries({ projects, router, acts, settings, page }: Known): Entry[] {
  const listed = projects.listing.state === 'read' ? projects.listing.projects.map(({ name }) => name) : [];
  // What belongs to the project that is looked at comes first.
  const names = page ? [page.name, ...listed.filter((name) => name !== page.name)] : listed;
  return [
    ...(page ? ofProject(page.name) : []),
    go('projects', texts.shell.allProjects, '', { screen: 'projects' }),
    go('settings', texts.shell.settings, 'Nonevent', { screen: 'settings' }),
    go('credentials', texts.shell.credentials, 'Nonevent', { screen: 'credentials' }),
    act('gc', texts.acts.gc, 'Nonevent', () => {
      acts.gc();
    }),
    act('add', texts.projects.add, '', () => void projects.choose()),
    act('login', texts.credentials.add, 'Nonevent', () => {
      acts.addLogin();
    }),
    act('trust', texts.trust.short, 'Nonevent', () => {
      acts.trust();
    }),
    act('untrust', texts.trust.backShort, 'Nonevent', () => {
      acts.untrust();
    }),
    ...THEMES.map((theme) =>
      act(`theme ${theme}`, `${texts.settings.theme}: ${texts.themes[theme]}`, '', () => {
        settings.chooseTheme(theme);
      }),
    ),
    ...names
      .filter((name) => name !== page?.name)
      .flatMap((name) => [
        go(`project ${name}`, name, texts.shell.projects, inside(name, 'overview')),
        ...(page ? [] : ofEnvironments(name)),
      ]),
  ];

  function ofProject(project: string): Entry[] {
    return [
      ...ofEnvironments(project),
      ...(page?.runs.value ?? [])
        .filter(({ state }) => state === 'running')
        .map(({ id, verb, environment }) =>
          act(
            `cancel ${id}`,
            `${texts.acts.cancel} ${texts.runs.what(verb, environment)}`,
            project,
            () => void acts.cancel(id),
          ),
        ),
      act(`check ${project}`, texts.acts.check, project, () => void acts.check(project)),
      act(`check with ${project}`, texts.acts.checkWith, project, () => {
        acts.checkWith(project);
      }),
      acts.onSave.has(project)
        ? act(`save ${project}`, texts.acts.notOnSave, project, () => void acts.checkOnSave(project, false))
        : act(`save ${project}`, texts.acts.onSave, project, () => void acts.checkOnSave(project, true)),
      act(`mend ${project}`, texts.acts.mend, project, () => void acts.mend(project)),
      act(`secret ${project}`, texts.secrets.set, project, () => {
        acts.setSecret(project);
      }),
      act(
        `write ${project}`,
        `${texts.configuration.writeAct}: ${texts.configuration.write}`,
        project,
        () => {
          void acts.write(project).then(page?.facts.read);
        },
      ),
      act(`forget ${project}`, texts.configuration.forget, project, () => {
        acts.forget(project);
      }),
      ...TABS.map((tab) => go(`${project} ${tab}`, texts.tabs[tab], project, inside(project, tab))),
      ...environmentsOf(project).map((name) =>
        go(`${project} env ${name}`, name, project, inside(project, 'environments', name)),
      ),
      ...(page?.runs.value ?? [])
        .slice(0, RECENT)
        .map(({ id, verb, environment, started_at: began }) =>
          go(
            `${project} run ${id}`,
            texts.runs.what(verb, environment),
            date(began),
            inside(project, 'runs', id),
          ),
        ),
      ...(page?.releases.value ?? [])
        .slice(0, RECENT)
        .map(({ id }) => go(`${project} release ${id}`, id, project, inside(project, 'releases', id))),
    ];
  }

  function ofEnvironments(project: string): Entry[] {
    return environmentsOf(project).flatMap((name) => {
      const detail = project;
      const status = projects.status(project, name);
      const always = [
        act(`ship ${project} ${name}`, texts.acts.shipTo(name), detail, () => void acts.ship(project, name)),
        act(`ship with ${project} ${name}`, texts.acts.shipWith(name), detail, () => {
          acts.shipWith(project, name);
        }),
        act(`recover ${project} ${name}`, `${texts.acts.recover} ${name}`, detail, () => {
          acts.recover(project, name);
        }),
        act(`scale ${project} ${name}`, `${texts.acts.scale} ${name}`, detail, () => {
          acts.scale(project, name);
        }),
        act(
          `notify ${project} ${name}`,
          `${texts.notify.act} ${name}`,
          detail,
          () => void acts.notify(project, name),
        ),
      ];
      if (status?.held_by)
        always.push(
          act(`unlock ${project} ${name}`, texts.consent.unlockTitle(name), detail, () => {
            acts.unlock(project, name);
          }),
        );
      if (!status?.serving) return always;
      return [
        ...always,
        go(
          `jobs ${project} ${name}`,
          `${texts.jobs.title} ${name}`,
          detail,
          inside(project, 'environments', name),
        ),
        act(
          `open ${project} ${name}`,
          `${texts.acts.open} ${name}`,
          detail,
          () => void acts.open(project, name),
        ),
        act(`rollback ${project} ${name}`, `${texts.acts.rollback} ${name}`, detail, () => {
          acts.rollback(project, name, null);
        }),
        act(`restart ${project} ${name}`, `${texts.acts.restart} ${name}`, detail, () => {
          acts.restart(project, name);
        }),
        go(`logs ${project} ${name}`, `${texts.acts.logs} ${name}`, detail, inside(project, 'logs', name)),
        act(`down ${project} ${name}`, `${texts.acts.down} ${name}`, detail, () => {
          acts.down(project, name);
        }),
      ];
    });
  }

  function environmentsOf(project: string): string[] {
    return (projects.look(project)?.environments ?? []).map(({ environment }) => environment);
  }

  function inside(project: string, tab: (typeof TABS)[number], item: string | null = null) {
    return { screen: 'project', project, tab, item } as const;
  }

  function go(id: string, text: string, detail: string, route: Parameters<typeof router.go>[0]): Entry {
    return {
      id: `go ${id}`,
      kind: 'go',
      text,
      detail,
      take: () => {
        router.go(route);
      },
    };
  }

  function act(id: string, text: string, detail: string, take: () => void): Entry {
    return { id: `do ${id}`, kind: 'do', text, detail, take };
  }
}
