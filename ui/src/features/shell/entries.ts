/** What the command palette knows: the screens, and everything that can be done from here, with the words of the buttons. */
import type { Theme } from '../../lib/backend';
import { TABS } from '../../lib/route';
import type { World } from '../../lib/state/context';
import type { ProjectPage } from '../../lib/state/project.svelte';
import { texts } from '../../texts';

export interface Entry {
  id: string;
  kind: 'go' | 'do';
  text: string;
  detail: string;
  take: () => void;
}

type Known = Pick<World, 'projects' | 'router' | 'acts' | 'settings'> & { page: ProjectPage | null };

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
    act('add', texts.acts.add, '', () => void projects.choose()),
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
      act(`check ${project}`, texts.acts.check, project, () => void acts.check(project)),
      act(`mend ${project}`, texts.acts.mend, project, () => void acts.mend(project)),
      ...TABS.map((tab) => go(`${project} ${tab}`, texts.tabs[tab], project, inside(project, tab))),
      ...environmentsOf(project).map((name) =>
        go(`${project} env ${name}`, name, project, inside(project, 'environments', name)),
      ),
      ...(page?.releases.value ?? [])
        .slice(0, 20)
        .map(({ id }) => go(`${project} release ${id}`, id, project, inside(project, 'releases', id))),
    ];
  }

  function ofEnvironments(project: string): Entry[] {
    return environmentsOf(project).flatMap((name) => {
      const detail = project;
      const serves = projects.look(project)?.environments?.find((one) => one.environment === name)?.serving;
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
      ];
      if (!serves) return always;
      return [
        ...always,
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
