/** How a level looks: colour for what is wrong alone. */
import type { LogLevel } from '../../lib/backend';

type Tone = 'faint' | 'plain' | 'degraded' | 'down';

const TONES: Record<LogLevel, Tone> = {
  debug: 'faint',
  info: 'plain',
  warning: 'degraded',
  error: 'down',
  critical: 'down',
};

export function tone(level: LogLevel | null): Tone {
  return level === null ? 'faint' : TONES[level];
}
