/**
 * The backend in memory: it answers what a test or a scene put there, and tells what it was asked. Below `fake/` one topic stands on another,
 * each with its answers and its questions.
 */
import type { Backend } from './backend';
import { FakeShell } from './fake/shell';

export * from './makers';
export * from './records';
export { SILENT, failed, ok } from './fake/answers';

export class FakeBackend extends FakeShell implements Backend {}
