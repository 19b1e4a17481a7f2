/** What a person set about the window. Kept by the window; the page remembers the theme too, so that its first picture has it. */
import type { Backend, Closing, Editor, Problem, Theme } from '../backend';

const REMEMBERED = 'nonevent.theme';

export class Settings {
  theme = $state<Theme>(remembered());
  editor = $state<Editor | null>(null);
  closing = $state<Closing | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
    wear(this.theme);
  }

  async read(): Promise<void> {
    const answer = await this.#backend.preferences();
    if (answer.status === 'error') {
      this.problem = answer.error;
      return;
    }
    this.theme = answer.data.theme ?? 'system';
    this.editor = answer.data.editor ?? null;
    this.closing = answer.data.closing ?? null;
    wear(this.theme);
  }

  chooseTheme(theme: Theme): void {
    this.theme = theme;
    wear(theme);
    void this.#keep();
  }

  chooseEditor(editor: Editor | null): void {
    this.editor = editor;
    void this.#keep();
  }

  async chooseClosing(closing: Closing | null): Promise<void> {
    this.closing = closing;
    await this.#keep();
  }

  async #keep(): Promise<void> {
    const { theme, editor, closing } = this;
    const answer = await this.#backend.keepPreferences({ theme, editor, closing });
    this.problem = answer.status === 'error' ? answer.error : null;
  }
}

function wear(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(REMEMBERED, theme);
  } catch {
    // Without room for it the first picture has the system's theme.
  }
}

function remembered(): Theme {
  try {
    const theme = localStorage.getItem(REMEMBERED);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}
