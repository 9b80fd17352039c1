/** The instances of one simulator: creates, finds and closes them. */
import { Agent } from 'undici';
import { createCodes } from './codes.ts';
import { SimulatorError } from './errors.ts';
import { apiToken, instanceId, phoneOf } from './identity.ts';
import type { InstanceDeps, InstanceSeed, WebhookOptions } from './instance.ts';
import { SimulatedInstance } from './instance.ts';
import type { Settled } from './options.ts';
import type { InstanceState } from './states.ts';

export interface CreateOptions {
  /** 4 to 15 digits, the first not 0. Default: a new id with 12 digits. */
  readonly idInstance?: string;
  readonly apiToken?: string;
  /** Digits only. */
  readonly phone?: string;
  /** Default: `notAuthorized`. */
  readonly state?: InstanceState;
  /** Every scan then requires this password. */
  readonly cloudPassword?: string;
  readonly webhook?: WebhookOptions;
}

export interface Registry {
  create(options?: CreateOptions): SimulatedInstance;
  find(idInstance: string): SimulatedInstance | undefined;
  all(): readonly SimulatedInstance[];
  close(): Promise<void>;
}

/** Fits into a JSON number, because the provider sends ids as numbers in notifications. */
const ID_FORM = /^[1-9]\d{3,14}$/;
const TOKEN_FORM = /^[\w.-]+$/;
const PHONE_FORM = /^\d+$/;

export function createRegistry(settled: Settled): Registry {
  const instances = new Map<string, SimulatedInstance>();
  const dispatcher = new Agent({ allowH2: false });
  const deps: InstanceDeps = { ...settled, codes: createCodes(settled), dispatcher };

  function create(options: CreateOptions = {}): SimulatedInstance {
    const idInstance = options.idInstance ?? freeId();
    if (instances.has(idInstance)) throw new SimulatorError('duplicate_instance', `instance ${idInstance} exists already`);
    const instance = new SimulatedInstance(deps, seedOf(settled, idInstance, options));
    instances.set(idInstance, instance);
    if (options.webhook !== undefined) instance.setWebhook(options.webhook);
    return instance;
  }

  /**
   * The next id that no caller has chosen. Instances are never removed, so the count only grows.
   */
  function freeId(): string {
    let ordinal = instances.size + 1;
    while (instances.has(instanceId(ordinal))) ordinal += 1;
    return instanceId(ordinal);
  }

  return {
    create,
    find: (idInstance) => instances.get(idInstance),
    all: () => [...instances.values()],
    close: async () => {
      await Promise.all([...instances.values()].map((instance) => instance.close()));
      await dispatcher.destroy();
    },
  };
}

function seedOf({ seed }: Settled, idInstance: string, options: CreateOptions): InstanceSeed {
  const token = options.apiToken ?? apiToken(seed, idInstance);
  const phone = options.phone ?? phoneOf(idInstance);
  if (!ID_FORM.test(idInstance))
    throw new SimulatorError('invalid_option', 'idInstance must have 4 to 15 digits and must not begin with 0');
  if (!TOKEN_FORM.test(token)) throw new SimulatorError('invalid_option', 'apiToken may contain only letters, digits, _ . and -');
  if (!PHONE_FORM.test(phone)) throw new SimulatorError('invalid_option', 'phone may contain only digits');
  const { state = 'notAuthorized', cloudPassword = null } = options;
  return { idInstance, apiToken: token, phone, state, cloudPassword };
}
