/** Tells whether what is looked for stands in any of the words; nothing that is looked for stands everywhere. */
export function finds(text: string, words: string[]): boolean {
  const wanted = text.trim().toLowerCase();
  return words.some((word) => word.toLowerCase().includes(wanted));
}
