/** Returns the index of the bucket for the value: the first bound that is not below it, or one above all bounds. */
export function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++; // the bucket is within
  return bucket;
}
