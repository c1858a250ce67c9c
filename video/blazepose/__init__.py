"""BlazePose (Bazarevsky et al., 2020) run by LiteRT, with MediaPipe's networks and constants."""
