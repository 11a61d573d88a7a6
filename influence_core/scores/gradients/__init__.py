"""The pass that differentiates: VoG, TracIn and GraNd from one backward pass a batch."""
