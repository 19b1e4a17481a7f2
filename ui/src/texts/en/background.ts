/** The texts about what goes on without the window: who watches, closing, the start at login. */
import type { Closing } from '../../lib/backend';

export const background = {
  title: 'Watching',
  here: 'This window’s process watches what serves',
  elsewhere: 'Another process watches what serves; this one takes over when that ends',
  nobody: 'Nobody watches what serves',
  looking: 'Finding out who watches…',
  short: {
    here: 'Watched from here',
    elsewhere: 'Watched by another process',
    hindered: 'Watched from here, but not all of it',
    nobody: 'Nobody watches: what follows is not measured now',
    looking: 'Finding out who watches…',
  },
  hindered: 'What it cannot do now',
  holder: 'Who',
  began: 'began',
  closing: 'When the window is closed',
  closings: {
    ask: 'Ask',
    keep: 'Keep watching',
    quit: 'Quit',
  } as Record<Closing | 'ask', string>,
  tray: 'The icon in the tray tells the worst state and brings the window back.',
  noTray: 'This desktop has no tray: start Nonevent again to bring the window back.',
  login: 'Start at login',
  loginText: 'Hidden, so that what serves is watched from the login on.',
  loginProblem: 'The start at login is not known',
  ask: 'Keep watching in the background?',
  askText:
    'Without a window Nonevent goes on measuring what serves, runs jobs at their times, and tells you when something fails. If you quit, nobody does, unless `nonevent watch` runs.',
  askTextElsewhere:
    'Another process watches what serves. Without a window Nonevent takes over when that one ends; if you quit, nobody does.',
  remember: 'Do not ask again; Settings can change it',
  keep: 'Keep watching',
  quit: 'Quit',
};
