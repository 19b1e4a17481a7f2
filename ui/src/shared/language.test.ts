import { mendLanguage } from './language';

test('a language that is none becomes English, every other stays', () => {
  const own = navigator.language;
  mendLanguage();
  expect(navigator.language).toBe(own);
  Object.defineProperty(navigator, 'language', { value: 'C', configurable: true });
  mendLanguage();
  expect(() => new Intl.NumberFormat(navigator.language)).not.toThrow();
  Object.defineProperty(navigator, 'language', { value: own, configurable: true });
});
