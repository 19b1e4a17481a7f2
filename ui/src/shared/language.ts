/**
 * Where the system has no language, WebKit tells `C`, which is no language tag: whoever formats by it throws. English takes its place.
 */
export function mendLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
  }
}
