"""The requests of Auto Scaling's operations, spelled as 2022-02-22 spells them; one module for each page of ess.md 12."""
