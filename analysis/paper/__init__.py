"""The paper's claims and open questions, decided on a study."""
