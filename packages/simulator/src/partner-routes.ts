/**
 * The partner methods: create, list and delete instances with a partner token
 * (https://green-api.com/v3/docs/partners/createInstance). Their refusals have the status 200, as
 * at the provider.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { SimulatedInstance } from './instance.ts';
import type { Reply } from './reply.ts';
import { badRequest, empty, json, nginxPage, readBody, sendReply } from './reply.ts';
import { parseSettings } from './settings.ts';

export interface PartnerDeps {
  readonly partnerToken: string | null;
  /** The simulator's own address, for the answer of createInstance. */
  readonly url: string;
  /** Creates an instance in the state `creating`. */
  readonly create: () => SimulatedInstance;
  readonly instances: () => readonly SimulatedInstance[];
  readonly now: () => number;
}

const PATH = /^(?:\/v3)?\/partner\/([^/?]+)\/([^/?]+)(?:\?.*)?$/;
const UNAUTHORIZED = json({ code: 401, description: 'Unauthorized' });
const NOT_FOUND = json({ code: 404, description: 'Not found' });

const deletion = z.object({ idInstance: z.number() });

type PartnerMethod = (deps: PartnerDeps, body: unknown) => Reply;

const PARTNER_METHODS: Readonly<Record<string, { readonly verb: string; readonly answer: PartnerMethod }>> = {
  createInstance: { verb: 'POST', answer: createInstance },
  getInstances: { verb: 'GET', answer: ({ instances }) => json(instances().map(listed)) },
  deleteInstanceAccount: { verb: 'POST', answer: deleteInstance },
};

export function isPartnerPath(url: string): boolean {
  return PATH.test(url);
}

export async function handlePartner(deps: PartnerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, name = '', token = ''] = PATH.exec(request.url ?? '') ?? [];
  const method = Object.hasOwn(PARTNER_METHODS, name) ? PARTNER_METHODS[name] : undefined;
  if (request.method === 'OPTIONS') return sendReply(response, empty(204));
  if (method === undefined || method.verb !== request.method) return sendReply(response, nginxPage(404));
  if (deps.partnerToken === null || token !== deps.partnerToken) return sendReply(response, UNAUTHORIZED);
  const source = request.method === 'POST' ? await readBody(request) : '{}';
  sendReply(response, source === null ? nginxPage(413) : method.answer(deps, parse(source)));
}

function createInstance({ create, url }: PartnerDeps, body: unknown): Reply {
  const patch = parseSettings(body);
  const isEmpty = typeof body !== 'object' || body === null || Object.keys(body).length === 0;
  if (patch === null || isEmpty) return badRequest('Bad Request Validation failed');
  const instance = create();
  instance.changeSettings(patch);
  const { idInstance, apiToken } = instance;
  return json({ idInstance: Number(idInstance), apiTokenInstance: apiToken, typeInstance: 'v3', apiUrl: url });
}

function deleteInstance({ instances, now }: PartnerDeps, body: unknown): Reply {
  const asked = deletion.safeParse(body);
  if (!asked.success) return NOT_FOUND;
  const instance = instances().find(({ idInstance, deletedAt }) => idInstance === String(asked.data.idInstance) && deletedAt === null);
  if (instance === undefined) return NOT_FOUND;
  instance.deletedAt = now();
  return json({ deleteInstanceAccount: true });
}

/** As at the provider, the list contains the token of every instance. */
function listed({ idInstance, apiToken, createdAt, deletedAt }: SimulatedInstance): Readonly<Record<string, unknown>> {
  return {
    idInstance: Number(idInstance),
    name: `simulated ${idInstance}`,
    typeInstance: 'v3',
    apiTokenInstance: apiToken,
    deleted: deletedAt !== null,
    tariff: 'DEVELOPER',
    isFree: false,
    isPartner: true,
    expirationDate: '',
    isExpired: false,
    timeCreated: new Date(createdAt).toISOString(),
    timeDeleted: deletedAt === null ? '' : new Date(deletedAt).toISOString(),
  };
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    // A body that is not JSON is refused like any other body that is not an object.
    return null;
  }
}
