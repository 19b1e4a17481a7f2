import { pause } from '../fare';
import { keepLooking } from './pulse';

const MINUTE = 60_000;

function looking(focus: boolean) {
  vi.useFakeTimers();
  vi.spyOn(document, 'hasFocus').mockReturnValue(focus);
  const look = vi.fn();
  return { look, stop: keepLooking(look) };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('a window that is worked in looks four times a minute, one beside it once', () => {
  for (const [focus, times] of [
    [true, 4],
    [false, 1],
  ] as const) {
    const { look, stop } = looking(focus);
    vi.advanceTimersByTime(MINUTE);
    expect(look).toHaveBeenCalledTimes(times);
    stop();
    vi.advanceTimersByTime(MINUTE);
    expect(look).toHaveBeenCalledTimes(times);
  }
});

test('what changes seldom is looked at seldom, and at once by whoever comes back', () => {
  vi.useFakeTimers();
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
  const look = vi.fn();
  const stop = keepLooking(look, pause('year'));
  vi.advanceTimersByTime(10 * MINUTE);
  expect(look).toHaveBeenCalledTimes(1);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(look).toHaveBeenCalledTimes(2);
  stop();
});

test('whoever comes back to it sees the present', () => {
  const { look, stop } = looking(false);
  vi.advanceTimersByTime(MINUTE / 2);
  window.dispatchEvent(new Event('focus'));
  expect(look).toHaveBeenCalledTimes(1);
  window.dispatchEvent(new Event('focus'));
  expect(look).toHaveBeenCalledTimes(1);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(look).toHaveBeenCalledTimes(2);
  stop();
});
