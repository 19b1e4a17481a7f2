/** What is kept and whom one trusts: secrets and their vault, logins of registries, HTTPS of local apps; and who is told of what. */
import type { Answer } from '../backend';
import type {
  DeadLetter,
  KeyFile,
  OldValue,
  SecretEntry,
  SecretReport,
  SecretScope,
  Tried,
  TrustPlan,
  VaultChoice,
  VaultStatus,
} from '../bindings';
import { aVault } from '../makers';
import { SILENT, ok, type Scripted } from './answers';
import { FakeServing } from './serving';

export class FakeKeeping extends FakeServing {
  kept: Scripted<SecretReport> = ok({ vault: aVault(), kept: [], needed: [] });
  keepingSecret: Answer<number> = ok(1);
  revealed: Answer<string> = ok('made-up-value');
  old: Scripted<OldValue[]> = ok([]);
  vaulted: Scripted<VaultStatus> = ok(aVault());
  /** What becomes of the vault when it is opened or chosen. */
  opened: Answer<VaultStatus> = ok(aVault());
  /** What becomes of a key file that is asked for; null when the person thinks better of it. */
  keyed: Scripted<VaultStatus | null> = ok(null);
  logins: SecretEntry[] = [];
  trusting: Scripted<TrustPlan> = ok(TRUSTED);
  trusted: Answer<TrustPlan> | undefined;
  untrusting: Scripted<TrustPlan> = ok(TRUSTED);
  /** What becomes of trust that is taken back; without it, it is. */
  untrusted: Answer<TrustPlan> | undefined;
  tried: Scripted<Tried[]> = ok([{ way: 'desktop', problem: null }]);
  letters: Scripted<DeadLetter[]> = ok([]);

  secrets(project: string) {
    return this.answer(`secrets ${project}`, this.kept);
  }

  setSecret(project: string, scope: SecretScope, name: string, value: string) {
    const question = `setSecret ${project} ${where(scope)} ${name} (${String(value.length)} characters)`;
    return this.answer(question, this.keepingSecret);
  }

  unsetSecret(project: string, scope: SecretScope, name: string, typed: string) {
    return this.answer(`unsetSecret ${project} ${where(scope)} ${name} as ${typed}`, ok(null));
  }

  revealSecret(project: string, scope: SecretScope, name: string) {
    return this.answer(`revealSecret ${project} ${where(scope)} ${name}`, this.revealed);
  }

  oldValues(project: string, scope: SecretScope, name: string) {
    return this.answer(`oldValues ${project} ${where(scope)} ${name}`, this.old);
  }

  vault() {
    return this.answer('vault', this.vaulted);
  }

  openVault(passphrase: string) {
    if (this.opened.status === 'ok') this.vaulted = this.opened;
    return this.answer(`openVault (${String(passphrase.length)} characters)`, this.opened);
  }

  chooseVault(choice: VaultChoice) {
    if (this.opened.status === 'ok') this.vaulted = this.opened;
    return this.answer(`chooseVault ${choice.place}`, this.opened);
  }

  chooseKeyFile(key: KeyFile) {
    const { keyed } = this;
    if (keyed !== SILENT && keyed.status === 'ok' && keyed.data !== null) this.vaulted = ok(keyed.data);
    return this.answer(`chooseKeyFile ${key}`, keyed);
  }

  keptLogins() {
    return this.answer('keptLogins', ok(this.logins));
  }

  keepLogin(registry: string, username: string, password: string) {
    const question = `keepLogin ${registry} ${username} (${String(password.length)} characters)`;
    return this.answer(question, ok(null));
  }

  forgetLogin(registry: string) {
    this.logins = this.logins.filter(({ name }) => name !== registry);
    return this.answer(`forgetLogin ${registry}`, ok(null));
  }

  trustPlan() {
    return this.answer('trustPlan', this.trusting);
  }

  trust() {
    const { trusted } = this;
    if (trusted?.status === 'ok') this.trusting = trusted;
    return this.answer('trust', trusted ?? this.trusting);
  }

  untrustPlan() {
    return this.answer('untrustPlan', this.untrusting);
  }

  untrust() {
    const { untrusted } = this;
    if (untrusted?.status !== 'error' && this.trusting !== SILENT && this.trusting.status === 'ok')
      this.trusting = ok({ ...this.trusting.data, trusted: false });
    return this.answer('untrust', untrusted ?? this.trusting);
  }

  notifyTest(project: string, environment: string) {
    return this.answer(`notifyTest ${project} ${environment}`, this.tried);
  }

  deadLetters(project: string) {
    return this.answer(`deadLetters ${project}`, this.letters);
  }
}

const TRUSTED: TrustPlan = {
  trusted: true,
  steps: [],
  notes: [],
  certificate: '/home/ada/.local/share/nonevent/authority.pem',
};

function where(scope: SecretScope): string {
  return scope.of === 'environment' ? scope.name : scope.of;
}
