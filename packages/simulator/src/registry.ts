/** The instances of one simulator: makes them, finds them, and ends what they have running. */
import { Agent } from 'undici';
import { createCodes } from './codes.ts';
import { SimulatorError } from './errors.ts';
import { apiToken, instanceId, phoneOf } from './identity.ts';
import type { InstanceDeps, InstanceSeed, WebhookOptions } from './instance.ts';
import { SimulatedInstance } from './instance.ts';
import type { Settled } from './options.ts';
import type { InstanceState } from './states.ts';

export interface CreateOptions {
  /** 4 to 15 digits, the first no 0; a new 12-digit id by default. */
  readonly idInstance?: string;
  readonly apiToken?: string;
  /** Digits only. */
  readonly phone?: string;
  /** `notAuthorized` by default. */
  readonly state?: InstanceState;
  /** Makes every scan ask for this password. */
  readonly cloudPassword?: string;
  readonly webhook?: WebhookOptions;
}

export interface Registry {
  create(options?: CreateOptions): SimulatedInstance;
  find(idInstance: string): SimulatedInstance | undefined;
  all(): readonly SimulatedInstance[];
  close(): Promise<void>;
}

/** Fits a JSON number without loss, as the provider sends ids in notifications. */
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

  /** The next in order that nobody has asked for by name; instances are never taken out, so the count only grows. */
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
  if (!ID_FORM.test(idInstance)) throw new SimulatorError('invalid_option', 'idInstance has 4 to 15 digits and does not begin with 0');
  if (!TOKEN_FORM.test(token)) throw new SimulatorError('invalid_option', 'apiToken has only letters, digits, _ . and -');
  if (!PHONE_FORM.test(phone)) throw new SimulatorError('invalid_option', 'phone has only digits');
  const { state = 'notAuthorized', cloudPassword = null } = options;
  return { idInstance, apiToken: token, phone, state, cloudPassword };
}
