import '@testing-library/jest-dom/vitest';

/** What every browser has and jsdom lacks. */
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
HTMLElement.prototype.scrollIntoView ??= function scrollIntoView() {
  // Nothing is laid out there.
};

/** Nothing is laid out in jsdom, so no size ever changes. */
class NoResizeObserver implements ResizeObserver {
  observe(): void {
    return;
  }
  unobserve(): void {
    return;
  }
  disconnect(): void {
    return;
  }
}
globalThis.ResizeObserver ??= NoResizeObserver;

// Each test begins where a person would: at the list.
beforeEach(() => {
  location.hash = '';
});
