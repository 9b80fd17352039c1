/**
 * Reports how a login ended: a sentence for a person, or the last line of `--json` for a program.
 */

import { errorFields } from '@qrcast/runtime/log';
import { SettingsError } from '@qrcast/runtime/process/settings';
import { UnfitRedisError } from '@qrcast/runtime/redis/start-connection';
import { jsonLine, printable } from '../terminal-text.ts';
import { type Ending, EXITS, InterruptedError, LoginError } from './ending.ts';

export interface ReportOptions {
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Both methods return the status to exit with. */
export interface Report {
  ended(ending: Ending): number;
  /** For a command that was stopped or refused, or that has a fault. */
  failed(error: unknown): number;
}

export function createReport({ json, write, writeError }: ReportOptions): Report {
  const tell = (event: string, fields: object): void => write(jsonLine(event, fields));

  function ended({ exitCode, reason, account, sentence }: Ending): number {
    const isConnected = exitCode === EXITS.connected.code;
    if (!json) (isConnected ? write : writeError)(`${printable(sentence)}\n`);
    else if (isConnected) tell('connected', { account });
    else tell('ended', { reason, exitCode });
    return exitCode;
  }

  function failed(error: unknown): number {
    if (error instanceof InterruptedError) {
      return ended({ exitCode: error.exitCode, reason: 'interrupted', account: null, sentence: error.message });
    }
    const { code, detail, exitCode, connection = null } = faultOf(error);
    if (json) tell('error', { code, detail, ...(connection === null ? {} : { cause: connection }) });
    else writeError(`qrcast: ${printable(detail)}\n`);
    return exitCode;
  }

  return { ended, failed };
}

function faultOf(error: unknown): Pick<LoginError, 'code' | 'exitCode'> & { detail: string; connection?: LoginError['connection'] } {
  if (error instanceof LoginError) {
    const { code, message: detail, exitCode, connection } = error;
    return { code, detail, exitCode, connection };
  }
  if (error instanceof SettingsError) return { code: 'usage', detail: error.message, exitCode: EXITS.usage.code };
  if (error instanceof UnfitRedisError) return { code: 'fault', detail: error.message, exitCode: EXITS.fault.code };
  const { error: detail, cause } = errorFields(error); // texts of others, without their URLs
  return { code: 'fault', detail: cause === undefined ? detail : `${detail} (${cause})`, exitCode: EXITS.fault.code };
}
