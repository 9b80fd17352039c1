/** What the card's controls do. */
export interface CardHandlers {
  onPassword(password: string): void;
  onReveal(): void;
  onResume(): void;
  onStartOver(): void;
  onStay(): void;
}
