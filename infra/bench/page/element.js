export {}; // nobody loads the element in a benchmark
