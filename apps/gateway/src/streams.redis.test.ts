import { describeStream } from './streams-contract.ts';
import { STREAM_TRANSPORTS } from './test-stream-clients.ts';

for (const transport of STREAM_TRANSPORTS) describeStream(transport);
