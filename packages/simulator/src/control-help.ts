/** The text of `GET /control`. */
export const CONTROL_HELP = `A simulated provider of MAX instances. Provider methods: /waInstance{id}/{method}/{token}, also under /v3.

GET    /control/faults                            faults by name, with what they do
GET    /control/instances                         all instances
POST   /control/instances                         {idInstance?, apiToken?, phone?, state?, cloudPassword?, webhook?: {url, token?, scheme?}}
GET    /control/instances/{id}                    state, current code, planned faults
POST   /control/instances/{id}/scan               {link?}: a phone scans the current code
POST   /control/instances/{id}/scan-with-password {password?}: the same with a protected account
POST   /control/instances/{id}/state              {state}
POST   /control/instances/{id}/faults             {method, fault, times?, ms?, retryAfter?, location?}; method * is any
DELETE /control/instances/{id}/faults             removes all planned faults
POST   /control/instances/{id}/webhook            {url?, token?, scheme?, lose?, duplicate?, delayMs?}
POST   /control/instances/{id}/notify             {state | sameSecondPair, offsetMs?, wid?, scheme?}
GET    /control/instances/{id}/requests?method=qr the requests of clients, with their times
`;
