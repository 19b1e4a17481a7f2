/** The window and its process: settings, folders, the watch, closing, what is told unasked, what is dropped on it. */
import type { Answer, Drag } from '../backend';
import type {
  Background,
  Closing,
  Editor,
  Folders,
  LoginStart,
  News,
  Preferences,
  Watcher,
} from '../bindings';
import { ok, type Scripted } from './answers';
import { FakeKeeping } from './keeping';

export class FakeShell extends FakeKeeping {
  hasEditors: Editor[] = ['code', 'zed'];
  preferred: Preferences = { theme: 'system', editor: null, closing: null };
  keeping: Answer<null> = ok(null);
  foundFolders: Scripted<Folders> = ok({
    data: { path: '/home/ada/.local/share/nonevent', bytes: 18_400_000 },
    cache: { path: '/home/ada/.cache/nonevent', bytes: 1_260_000_000 },
    version: '0.1.0',
  });
  revealing: Answer<null> = ok(null);
  /** What the page is told as soon as it listens. */
  firstNews: News | undefined;
  watcher: Watcher = { who: 'here', hindered: [] };
  behind: Scripted<Background> = ok({ tray: true, start: 'by_hand' });
  starting: Answer<null> = ok(null);
  #onNews: ((news: News) => void) | undefined;
  #onWatcher: ((watcher: Watcher) => void) | undefined;
  #onDrag: ((drag: Drag) => void) | undefined;

  /** Tells the page what the window's process tells unasked. */
  news(news: News): void {
    this.#onNews?.(news);
  }

  /** Somebody else watches from now on. */
  watchedBy(watcher: Watcher): void {
    this.watcher = watcher;
    this.#onWatcher?.(watcher);
  }

  drag(drag: Drag): void {
    this.#onDrag?.(drag);
  }

  editors() {
    return this.answer('editors', ok(this.hasEditors));
  }

  preferences() {
    return this.answer('preferences', ok(this.preferred));
  }

  keepPreferences(preferences: Preferences) {
    if (this.keeping.status === 'ok') this.preferred = preferences;
    return this.answer(`keepPreferences ${JSON.stringify(preferences)}`, this.keeping);
  }

  folders() {
    return this.answer('folders', this.foundFolders);
  }

  revealData() {
    return this.answer('revealData', this.revealing);
  }

  attend(onNews: (news: News) => void) {
    this.#onNews = onNews;
    if (this.firstNews) onNews(this.firstNews);
    return this.answer('attend', ok(null));
  }

  followWatcher(onWatcher: (watcher: Watcher) => void) {
    this.#onWatcher = onWatcher;
    onWatcher(this.watcher);
    return this.answer('followWatcher', ok(null));
  }

  watchAgain() {
    return this.answer('watchAgain', ok(null));
  }

  answerClosing(answer: Closing | null) {
    return this.answer(`answerClosing ${answer ?? 'stay'}`, ok(null));
  }

  background() {
    return this.answer('background', this.behind);
  }

  startAtLogin(start: LoginStart) {
    if (this.starting.status === 'ok') this.behind = ok({ tray: true, start });
    return this.answer(`startAtLogin ${start}`, this.starting);
  }

  onDrag(onDrag: (drag: Drag) => void): void {
    this.#onDrag = onDrag;
  }
}
