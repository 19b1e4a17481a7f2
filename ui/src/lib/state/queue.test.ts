import { Queue } from './queue';

/** Work that ends when it is told to. */
function heldWork() {
  const running = new Map<string, () => void>();
  const begun: string[] = [];
  const work = (key: string) => {
    begun.push(key);
    return new Promise<void>((resolve) => running.set(key, resolve));
  };
  const end = async (key: string) => {
    running.get(key)?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { begun, work, end };
}

test('no more than its width at a time', async () => {
  const { begun, work, end } = heldWork();
  const queue = new Queue(work, 2);
  ['a', 'b', 'c'].forEach((key) => queue.add(key));
  expect(begun).toEqual(['a', 'b']);
  await end('a');
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('a key that is asked for again and again while it is worked on has one more turn', async () => {
  const { begun, work, end } = heldWork();
  const queue = new Queue(work, 4);
  ['a', 'a', 'a', 'a'].forEach((key) => queue.add(key));
  expect(begun).toEqual(['a']);
  await end('a');
  expect(begun).toEqual(['a', 'a']);
  await end('a');
  expect(begun).toEqual(['a', 'a']);
});
