/**
 * The planned faults of one instance: a queue for each method, played in order. Those for `*` come
 * after the method's own.
 */
import { SimulatorError } from './errors.ts';
import type { Fault, FaultName, FaultSettings } from './faults.ts';
import { FAULT_NAMES, FAULTS, isFaultName } from './faults.ts';
import type { MethodName } from './method-table.ts';
import { isMethodName, METHOD_NAMES } from './method-table.ts';

export const ANY_METHOD = '*';

export type FaultTarget = MethodName | typeof ANY_METHOD;

export interface FailOptions extends FaultSettings {
  /**
   * For how many calls. `always`: until the faults are cleared. Default: 1. A call refused with 429
   * does not count.
   */
  readonly times?: number | 'always';
}

export interface PlannedFault {
  readonly method: FaultTarget;
  readonly fault: FaultName;
  readonly remaining: number | 'always';
  readonly settings: FaultSettings;
}

type Planned = { -readonly [Field in keyof PlannedFault]: PlannedFault[Field] };

export class FaultScript {
  #planned: Planned[] = [];

  /**
   * Throws `invalid_option` if `times` is not valid. Throws `unknown_fault` for an unknown name,
   * which only untyped callers can pass.
   */
  add(method: FaultTarget, fault: FaultName, { times = 1, ...settings }: FailOptions): void {
    if (method !== ANY_METHOD && !isMethodName(method)) throw unknownName('method', method, [...METHOD_NAMES, ANY_METHOD]);
    if (!isFaultName(fault)) throw unknownName('fault', fault, FAULT_NAMES);
    if (times !== 'always' && !(times >= 1))
      throw new SimulatorError('invalid_option', 'times must be a number of at least 1, or "always"');
    this.#planned.push({ method, fault, remaining: times, settings });
  }

  /** Takes the fault for a call of `method` and counts it; null if none is planned. */
  take(method: MethodName): { readonly fault: Fault; readonly settings: FaultSettings } | null {
    if (this.#planned.length === 0) return null;
    const next = this.#first(method) ?? this.#first(ANY_METHOD);
    if (next === undefined) return null;
    if (next.remaining !== 'always') next.remaining -= 1;
    this.#planned = this.#planned.filter((planned) => planned.remaining === 'always' || planned.remaining > 0);
    return { fault: FAULTS[next.fault], settings: next.settings };
  }

  clear(): void {
    this.#planned = [];
  }

  list(): readonly PlannedFault[] {
    return this.#planned.map((planned) => ({ ...planned }));
  }

  #first(method: FaultTarget): Planned | undefined {
    return this.#planned.find((planned) => planned.method === method);
  }
}

function unknownName(what: string, name: string, known: readonly string[]): SimulatorError {
  return new SimulatorError('unknown_fault', `there is no ${what} "${name}"; there are ${known.join(', ')}`);
}
