/** The backend on Tauri's bridge. */
import { Channel } from '@tauri-apps/api/core';
import { getCurrentWebview } from '@tauri-apps/api/webview';

import type { Answer, Backend } from './backend';
import type { Change, Lines, LogLine, LogRecord, News, Problem, Watcher } from './bindings';
import { commands } from './bindings';

export function tauriBackend(): Backend {
  return {
    engineInfo: () => settled(commands.engineInfo()),
    knownProjects: () => settled(commands.knownProjects()),
    projectStatus: (project) => settled(commands.projectStatus(project)),
    chooseFolder: () => settled(commands.chooseFolder().then((data) => ({ status: 'ok', data }))),
    addProject: (folder) => settled(commands.addProject(folder)),
    forgetProject: (project) => settled(commands.forgetProject(project)),
    openEnvironment: (project, environment) => settled(commands.openEnvironment(project, environment)),
    eventsAfter: (seq) => settled(commands.eventsAfter(seq)),
    follow: (onChange) => settled(commands.follow(new Channel<Change>(onChange))),
    projectFacts: (project) => settled(commands.projectFacts(project)),
    projectRuns: (project) => settled(commands.projectRuns(project)),
    learnHistory: (project) => settled(commands.learnHistory(project)),
    projectReleases: (project) => settled(commands.projectReleases(project)),
    projectRollouts: (project) => settled(commands.projectRollouts(project)),
    releasePage: (project, release) => settled(commands.releasePage(project, release)),
    runPage: (run, after) => settled(commands.runPage(run, after)),
    beginRun: (project, request, said) => settled(commands.beginRun(project, request, said)),
    openPreview: (run) => settled(commands.openPreview(run)),
    recover: (project, environment) => settled(commands.recover(project, environment)),
    releaseDiff: (project, environment, from, to) =>
      settled(commands.releaseDiff(project, environment, from, to)),
    gc: (sweep) => settled(commands.gc(sweep)),
    deadLetters: (project) => settled(commands.deadLetters(project)),
    writeConfiguration: (project) => settled(commands.writeConfiguration(project)),
    checkOnSave: (project, on) => settled(commands.checkOnSave(project, on)),
    checksOnSave: (project) => settled(commands.checksOnSave(project)),
    approveRun: (run) => settled(commands.approveRun(run)),
    gateHistory: (project) => settled(commands.gateHistory(project)),
    gateTests: (run, gate) => settled(commands.gateTests(run, gate)),
    slowestTests: (project, run, limit) => settled(commands.slowestTests(project, run, limit)),
    testHistory: (project, test) => settled(commands.testHistory(project, test)),
    lockOf: (project, environment) => settled(commands.lockOf(project, environment)),
    unlock: (project, environment, number, typed) =>
      settled(commands.unlock(project, environment, number, typed)),
    health: (project, environment, seconds) => settled(commands.health(project, environment, seconds)),
    notifyTest: (project, environment) => settled(commands.notifyTest(project, environment)),
    secrets: (project) => settled(commands.secrets(project)),
    setSecret: (project, scope, name, value) => settled(commands.setSecret(project, scope, name, value)),
    unsetSecret: (project, scope, name, typed) => settled(commands.unsetSecret(project, scope, name, typed)),
    revealSecret: (project, scope, name) => settled(commands.revealSecret(project, scope, name)),
    oldValues: (project, scope, name) => settled(commands.oldValues(project, scope, name)),
    vault: () => settled(commands.vault()),
    openVault: (passphrase) => settled(commands.openVault(passphrase)),
    chooseVault: (choice) => settled(commands.chooseVault(choice)),
    chooseKeyFile: (key) => settled(commands.chooseKeyFile(key)),
    keptLogins: () => settled(commands.keptLogins()),
    keepLogin: (registry, username, password) => settled(commands.keepLogin(registry, username, password)),
    forgetLogin: (registry) => settled(commands.forgetLogin(registry)),
    jobs: (project, environment) => settled(commands.jobs(project, environment)),
    jobRuns: (project, environment) => settled(commands.jobRuns(project, environment)),
    runningJobs: (project, environment) => settled(commands.runningJobs(project, environment)),
    followJob: (project, environment, job, onLines) =>
      settled(commands.followJob(project, environment, job, new Channel<Lines>(onLines))),
    runJob: (project, environment, job, onLines) =>
      settled(commands.runJob(project, environment, job, new Channel<LogLine[]>(onLines))),
    stopJob: (project, environment, job) => settled(commands.stopJob(project, environment, job)),
    trustPlan: () => settled(commands.trustPlan()),
    trust: () => settled(commands.trust()),
    untrustPlan: () => settled(commands.untrustPlan()),
    untrust: () => settled(commands.untrust()),
    cancelRun: (run) => settled(commands.cancelRun(run)),
    followLines: (run, onLines) => settled(commands.followLines(run, new Channel<Lines>(onLines))),
    logRecords: (project, environment, question, before, limit) =>
      settled(commands.logRecords(project, environment, question, before, limit)),
    followRecords: (project, environment, question, onRecords) =>
      settled(commands.followRecords(project, environment, question, new Channel<LogRecord[]>(onRecords))),
    exceptionGroups: (project, environment, since) =>
      settled(commands.exceptionGroups(project, environment, since)),
    stopLines: () => settled(commands.stopLines()),
    plan: (project, environment, request) => settled(commands.plan(project, environment, request)),
    mendLock: (project) => settled(commands.mendLock(project)),
    isMending: (project) => settled(commands.isMending(project)),
    excerpt: (project, file, line) => settled(commands.excerpt(project, file, line)),
    openInEditor: (project, file, line) => settled(commands.openInEditor(project, file, line)),
    editors: () => settled(commands.editors()),
    preferences: () => settled(commands.preferences()),
    keepPreferences: (preferences) => settled(commands.keepPreferences(preferences)),
    folders: () => settled(commands.folders()),
    revealData: () => settled(commands.revealData()),
    attend: (onNews) => settled(commands.attend(new Channel<News>(onNews))),
    followWatcher: (onWatcher) => settled(commands.followWatcher(new Channel<Watcher>(onWatcher))),
    watchAgain: () => settled(commands.watchAgain()),
    answerClosing: (answer) => settled(commands.answerClosing(answer)),
    background: () => settled(commands.background()),
    startAtLogin: (start) => settled(commands.startAtLogin(start)),
    onDrag(onDrag) {
      void getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === 'drop') onDrag({ kind: 'dropped', paths: payload.paths });
        else onDrag({ kind: payload.type === 'leave' ? 'left' : 'over' });
      });
    },
  };
}

/** A command that cannot be called at all rejects with a text: that too is an answer. */
async function settled<T>(question: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    const answer = await question;
    return answer.status === 'error' && typeof answer.error === 'string' ? broken(answer.error) : answer;
  } catch (error) {
    return broken(error);
  }
}

function broken(error: unknown): { status: 'error'; error: Problem } {
  const problem: Problem = {
    code: 'internal',
    message: 'the window could not ask its engine',
    causes: [String(error)],
    hints: ['this is a fault of Nonevent: please report it'],
    details: [],
  };
  return { status: 'error', error: problem };
}
