import { STREAM_TRANSPORTS } from '../../test/stream-clients.ts';
import { describeStream } from '../../test/streams-contract.ts';

for (const transport of STREAM_TRANSPORTS) describeStream(transport);
