// A whole generation, choice by choice.
"use strict";

figures["generation"] = stepper({ spelled: visible, first: 14 });
