// Answers in the order of their questions: what is answered late, to an older question than the last answer, says
// nothing new.

export class Turns {
  private asked = 0;
  private answered = 0;

  /** Something is asked; what is given says, when the answer is there, whether it is news. */
  ask(): () => boolean {
    const turn = ++this.asked;
    return () => {
      if (turn < this.answered) return false;
      this.answered = turn;
      return true;
    };
  }
}
