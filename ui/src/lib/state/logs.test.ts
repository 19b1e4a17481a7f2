import { FakeBackend, ok, someRecords } from '../backend/fake';
import { LogBook } from './logs.svelte';

const QUESTION = { search: '', seconds: null, until: null };

/** A book of an engine that goes away after a hundred records and comes back when there are many more. */
async function returned(more: number, look: (book: LogBook) => void = () => undefined): Promise<LogBook> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const all = someRecords(100 + more);
  const backend = new FakeBackend();
  backend.records = ok(all.slice(0, 100));
  const book = new LogBook(backend, 'shop', 'local');
  book.ask(QUESTION);
  await vi.waitFor(() => expect(book.rows).toHaveLength(100));
  look(book);
  backend.records = ok(all);
  backend.print([]);
  await vi.advanceTimersByTimeAsync(6_000);
  vi.useRealTimers();
  return book;
}

const times = (book: LogBook) => book.rows.map(({ record }) => record.at);

describe('an engine that comes back', () => {
  test('brings what came meanwhile', async () => {
    const book = await returned(50);
    expect(book.rows).toHaveLength(150);
  });

  test('with more than a page leaves no gap: what is older is read as one goes up', async () => {
    const book = await returned(1_000);
    expect(book.rows).toHaveLength(300);
    expect(book.more).toBe(true);
    await book.older();
    await book.older();
    await book.older();
    expect(book.rows).toHaveLength(1_100);
    expect(times(book)).toEqual([...times(book)].sort());
  });

  test('with more than a page leaves who looks at older ones where they are', async () => {
    const book = await returned(1_000, (one) => {
      one.reached(false);
    });
    expect(book.rows).toHaveLength(100);
    expect(book.news).toBe(300);
    book.toEnd();
    await vi.waitFor(() => expect(book.rows).toHaveLength(300));
    expect(book.more).toBe(true);
  });
});
