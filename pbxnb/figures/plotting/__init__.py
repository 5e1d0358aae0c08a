"""What every live figure needs: the widget in its box, spare widgets kept for use again, the pace of drawing."""
