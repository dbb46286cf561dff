// Names, letter by letter.
"use strict";

figures["names"] = stepper({
  spelled: (token) => (token === "<BOS>" ? "BOS" : token),
  first: 2,
});
