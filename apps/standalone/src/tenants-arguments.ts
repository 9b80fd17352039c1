/** The words after `qrcast tenants`. No message repeats one, because people paste keys. */

import { keyIdOf, tenantIdOf, usageError } from './option-rules.ts';

/** What to do with the tenants of a gateway. */
export type TenantsAction =
  | { readonly kind: 'list' }
  | { readonly kind: 'add'; readonly tenantId: string; readonly name: string }
  | { readonly kind: 'suspend' | 'resume' | 'listKeys' | 'addKey'; readonly tenantId: string }
  | { readonly kind: 'revokeKey'; readonly tenantId: string; readonly keyId: string };

const FORM = 'list, add <id>, suspend <id>, resume <id>, keys list|add <id>, or keys revoke <id> <keyId>';

/** @throws {LoginError} `usage` */
export function tenantsActionOf(words: readonly string[], name: string | undefined): TenantsAction {
  const length = words[0] === 'keys' ? 2 : 1;
  const verb = words.slice(0, length).join(' ');
  const ids = words.slice(length);
  const most = verb === 'list' ? 0 : verb === 'keys revoke' ? 2 : 1;
  if (ids.length > most) throw usageError(`unexpected words; expected after \`tenants\`: ${FORM}`);
  if (name !== undefined && verb !== 'add') throw usageError('--name belongs to tenants add');
  return actionOf(verb, ids, name);
}

function actionOf(verb: string, [tenantId, keyId]: readonly string[], name: string | undefined): TenantsAction {
  switch (verb) {
    case 'list':
      return { kind: 'list' };
    case 'add':
      return { kind: 'add', tenantId: tenantIdOf(tenantId), name: name ?? tenantIdOf(tenantId) };
    case 'suspend':
    case 'resume':
      return { kind: verb, tenantId: tenantIdOf(tenantId) };
    case 'keys list':
      return { kind: 'listKeys', tenantId: tenantIdOf(tenantId) };
    case 'keys add':
      return { kind: 'addKey', tenantId: tenantIdOf(tenantId) };
    case 'keys revoke':
      return { kind: 'revokeKey', tenantId: tenantIdOf(tenantId), keyId: keyIdOf(keyId) };
    default:
      throw usageError(`expected after \`tenants\`: ${FORM}`);
  }
}
