"""The vehicle side: adapters convert to SI, REP-103 and REP-105 here and nowhere else."""
