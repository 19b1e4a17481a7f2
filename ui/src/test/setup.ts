import '@testing-library/jest-dom/vitest';

/** What every browser has and jsdom lacks. */
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
